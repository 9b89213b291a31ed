//! One channel's media: live window in RAM, extent ring on disk, sled catalogue.
