//! What is healthy, what is hopeless (stage *observe*).
