-- Run by the owner after every migration: the application's role owns nothing.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO govopen_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO govopen_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO govopen_app;
REVOKE UPDATE, DELETE ON govopen_opinion, govopen_register_log FROM govopen_app;
REVOKE INSERT, UPDATE, DELETE ON govopen_site FROM govopen_app;
GRANT UPDATE (clock_at) ON govopen_site TO govopen_app;
REVOKE UPDATE ON tag FROM govopen_app;
