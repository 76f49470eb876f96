"""PostgreSQL 14 and later, on RDS, Aurora or anywhere: users in turn, each acting as one owner; one password a user."""
