"""What the sandbox adds to the emulator; these modules run in the emulator's process, on its interpreter."""
