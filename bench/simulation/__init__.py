"""How late a change is at its subscribers when there are many of them: a simulation with AWS's quotas."""
