//! What islands ask the server. Every function here is a public endpoint below `/api/fn`, taken by
//! POST alone; whether the one who asks may is decided by the use case behind it.

pub mod incident;
pub mod plan;
