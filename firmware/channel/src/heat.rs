//! How warm a box is, as far as it matters to what its channels encode.

/// How warm a box is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heat {
    /// It can take back what it gave up.
    #[default]
    Cool,
    /// It stays as it is: from here to there the law would only go to and fro.
    Warm,
    /// It has to give up something.
    Hot,
}

/// A board's limits, in degrees Celsius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From here on it is hot.
    pub hot: i32,
    /// Below it is cool.
    pub cool: i32,
}

impl Limits {
    /// How warm `celsius` is.
    #[must_use]
    pub fn heat(&self, celsius: i32) -> Heat {
        match celsius {
            _ if celsius >= self.hot => Heat::Hot,
            _ if celsius >= self.cool => Heat::Warm,
            _ => Heat::Cool,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_belong_to_what_they_begin() {
        let limits = Limits { hot: 95, cool: 85 };
        let heat = [-40, 84, 85, 94, 95, 127].map(|celsius| limits.heat(celsius));
        assert_eq!(heat, [Heat::Cool, Heat::Cool, Heat::Warm, Heat::Warm, Heat::Hot, Heat::Hot]);
    }
}
