"""The standalone side of the platform: courses, enrolments, roles and a clock in small tables of our own."""
