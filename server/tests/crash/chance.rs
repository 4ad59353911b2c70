//! Random moments that can be had again.

use std::time::Duration;

/// A small generator (SplitMix64): its seed is printed and can be given as `FERMATA_SEED`.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(test: &str) -> Self {
        let given = std::env::var("FERMATA_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        println!("{test}: FERMATA_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub(crate) fn pause(&mut self, up_to: Duration) {
        std::thread::sleep(Duration::from_micros(self.below(u64::try_from(up_to.as_micros()).unwrap())));
    }
}
