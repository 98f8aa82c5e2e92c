mod chance;
mod keys;
mod login;
mod session;
