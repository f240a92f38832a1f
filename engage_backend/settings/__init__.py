"""What we add to the settings of an LMS or Studio. Our own settings are read in `engage_backend.conf`."""
