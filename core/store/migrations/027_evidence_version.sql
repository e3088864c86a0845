-- How the evidence of a sign-off was hashed: earlier signatures are checked as they were made.

alter table sign_offs add column evidence_version integer default 1;
