"""The ground floor: errors, events, configuration and ports; standard library and pydantic only."""
