"""What the development team needs beside its agents: worktrees, the pages that people read, and whose a finding is."""
