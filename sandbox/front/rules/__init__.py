"""What API Gateway refuses at its control plane and the emulator accepts, by the kind of thing that is written."""
