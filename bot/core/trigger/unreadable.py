"""What the process that receives has in common with the one that reads, without all that reading takes."""

UNREADABLE = "unreadable"  # the field in which the webhook keeps what it could not read
