"""SIGKILL at random moments under load: nothing that was acknowledged is lost, nothing is there twice."""
