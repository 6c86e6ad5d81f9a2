"""Solvebot: an issue goes in, the champion of several attempts comes out as a pull request."""
