"""The screens: home, session, runs, and the small ones that ask."""
