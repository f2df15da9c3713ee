//! Limits of every kind, and how near to them a read comes.
