"""What fulfils the ports: AWS, and memory for tests."""
