-- From version 2 to 3: digests begin with the tag of what they stand for. Secrets from before have other digests and
-- are worth nothing any more, so what they were for goes too: everybody logs in, and is added, once more.

DELETE FROM logins;
DELETE FROM phones;
DELETE FROM clients;
