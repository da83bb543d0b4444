"""`python -m nexus_agents` is the `nexus` command."""

from nexus_agents.cli import main

if __name__ == "__main__":
    main()
