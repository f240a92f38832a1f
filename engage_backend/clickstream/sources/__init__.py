"""Where records come from while the site runs. Each source may deliver a record more than once, never less."""
