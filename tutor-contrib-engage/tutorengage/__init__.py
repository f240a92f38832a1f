"""Engage for Tutor."""
