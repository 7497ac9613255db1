"""The application: what people can ask for, and how a paid clip is never lost nor paid twice."""
