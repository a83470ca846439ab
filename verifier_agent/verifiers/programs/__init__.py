"""Programs that judge programs: by the tests of a task, by tests of a model, and by one another."""
