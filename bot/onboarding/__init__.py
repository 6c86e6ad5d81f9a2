"""solvebot setup: from nothing to an installed App, by pages on loopback.

command.py        listens, tells the address, waits until all is done
pages.py          what the browser asks and gets      door.py  who may ask, and what may be used once
steps.py          what is done: register, look for the installation, try the keys
rotation.py       one secret after the other, without a delivery that is refused
settings_file.py  .env and the private key on the disk
"""
