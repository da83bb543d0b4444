"""Chat models: which one `auto` means, the providers, and the built-in ones."""
