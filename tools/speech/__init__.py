"""The embedded voice: eSpeak NG in a process of its own, likenesses fitted by WORLD, and audio files."""
