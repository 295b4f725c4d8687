"""The main job: broker, producer and Spark application as processes, watched until told to stop."""
