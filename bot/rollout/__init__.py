"""solvebot up: a new release takes the place of the one before, on one machine and without images.

up.py          the story, top to bottom
releases.py    a directory for each release, and one for each environment that a lock file describes
processes.py   what runs: started, asked whether it is ready, stopped
"""
