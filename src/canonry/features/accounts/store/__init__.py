"""All SQL on people, organizations and what belongs to them, one file for each subject."""
