"""Folders of sound become libraries, and libraries answer questions."""
