mod keys;
mod login;
mod session;
