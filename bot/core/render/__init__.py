"""Every sentence that the bot says to people.

text.py makes outside text harmless; evidence.py draws the scoreboard; status.py, pull_request.py and replies.py speak.
"""
