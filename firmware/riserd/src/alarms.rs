//! What somebody should look at, as rules over what the box knows. Pure.

use channel::life;
use control::{Alarm, ChannelState, Objects, StoreState, TemperatureState};

use crate::report;

/// What holds now, the gravest first; `since` is filled in by whoever remembers.
pub fn of(
    status: &store::Status,
    store: &StoreState,
    objects: &Objects,
    channels: &[ChannelState],
    registry: Option<String>,
) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    let mut raise = |id: &str, severity: &str, reason: String| {
        alarms.push(Alarm { id: id.to_owned(), severity: severity.to_owned(), since: 0, reason });
    };
    if let Some(reason) = registry {
        let reason =
            format!("programs and assets cannot be written down, and commands are refused: {reason}");
        raise("registry", "error", reason);
    }
    if let Some(failure) = &status.failure {
        raise("dvr-disk", "error", format!("nothing is recorded: {}", failure.reason));
    }
    if status.failure.is_none() && status.behind >= report::SLOW {
        let reason = format!(
            "the disk does not keep up: the recording waits for it since {} s; live goes on, a power cut would lose as much",
            status.behind.as_secs()
        );
        raise("dvr-slow", "warning", reason);
    }
    for program in objects.programs.values().filter(|program| program.state == life::Program::Running) {
        let range = objects.assets.get(&program.asset).and_then(|asset| asset.range);
        let lost = range.map_or(0, |range| report::lost(program, &range, status));
        if lost == 0 {
            continue;
        }
        let (why, severity) = match program.quota {
            Some(_) => ("it has reached its quota, or the disk has no room for more", "warning"),
            None => ("the disk has no room for more", "error"),
        };
        let reason = format!("recording `{}` has lost its oldest {lost} segments: {why}", program.name);
        raise(&format!("recording-{}", program.asset), severity, reason);
    }
    for channel in channels.iter().filter(|channel| channel.life != "stopped") {
        if let Some((severity, reason)) = input(channel) {
            raise(&format!("input-{}", channel.name), severity, reason);
        }
        if let Some(reason) = encoder(channel) {
            raise(&format!("encoder-{}", channel.name), "warning", reason);
        }
        if !channel.shed.is_empty() {
            let reason = format!(
                "channel `{}` gives up what it can: {}; take fewer renditions or a lower frame rate",
                channel.name, channel.shed
            );
            raise(&format!("overload-{}", channel.name), "warning", reason);
        }
    }
    if store.rate > 0 && store.seconds_predicted < store.seconds_promised {
        let reason = format!(
            "{} of rewind are promised, the disk will hold {} at the present rate; delete assets, shorten windows or \
             record fewer renditions",
            span(store.seconds_promised),
            span(store.seconds_predicted),
        );
        raise("dvr-promise", "warning", reason);
    }
    if status.extents.bad > 0 {
        let reason =
            format!("{} areas of the disk cannot be read or written and are left out", status.extents.bad);
        raise("dvr-bad-areas", "warning", reason);
    }
    if status.quarantined > 0 {
        let reason = format!("{} segments were found damaged and are no longer served", status.quarantined);
        raise("dvr-quarantine", "warning", reason);
    }
    alarms.sort_by_key(|alarm| alarm.severity != "error");
    alarms
}

/// What is wrong with a channel's input: viewers see the slate, or they see or hear something that may be meant so.
fn input(channel: &ChannelState) -> Option<(&'static str, String)> {
    let severity = match channel.input.health.state.as_str() {
        "no_device" | "no_signal" | "unsupported" => "error",
        "frozen" | "black" | "silent" | "clipping" => "warning",
        _ => return None,
    };
    Some((severity, format!("input of channel `{}`: {}", channel.name, channel.input.health.reason)))
}

/// A box that is hot, whether it has anything to give up or not.
pub fn heat(temperature: &TemperatureState) -> Option<Alarm> {
    let TemperatureState { state, zone, celsius, hot, cool } = temperature;
    let reason = format!(
        "the box is at {celsius} °C ({zone}), {hot} are too many: channels encode less until it is below {cool}; \
         give it air, or less to do"
    );
    let alarm = Alarm { id: "heat".to_owned(), severity: "warning".to_owned(), since: 0, reason };
    (state == "hot").then_some(alarm)
}

/// `45 s`, `90 min`, `4.5 h`: seconds in the words of a person.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{}.{} h", seconds / 3600, seconds % 3600 / 360),
    }
}

/// Which families a channel should have used and why it does not.
fn encoder(channel: &ChannelState) -> Option<String> {
    let refused = &channel.encoders_refused;
    let whys: Vec<_> =
        refused.iter().map(|refused| format!("{}: {}", refused.family, refused.reason)).collect();
    // The one in use may just have been given up.
    let works = |family: &&str| !family.is_empty() && refused.iter().all(|refused| refused.family != *family);
    let family = Some(channel.encoder_family.as_str()).filter(works);
    let instead = family.map_or_else(String::new, |family| format!(", but with family `{family}`"));
    let next = match family {
        Some(_) => "start the channel again to have them tried again",
        None => "it is tried again and again by itself",
    };
    (!whys.is_empty()).then(|| {
        let (name, whys) = (&channel.name, whys.join("; "));
        format!("channel `{name}` does not encode as this board should{instead}; {whys}; {next}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(promised: u64, predicted: u64, rate: u64) -> StoreState {
        let health = control::Health { state: "ok".to_owned(), since: 0, reason: String::new() };
        StoreState {
            health,
            size: 0,
            used: 0,
            written: 0,
            seconds: 0,
            seconds_behind: 0,
            not_recorded: 0,
            seconds_promised: promised,
            seconds_predicted: predicted,
            pinned: 0,
            quarantined: 0,
            bad_extents: 0,
            rate,
        }
    }

    #[test]
    fn a_promise_that_cannot_be_kept_is_told_before_it_breaks() {
        let ids = |status: &store::Status, store: &StoreState| -> Vec<String> {
            of(status, store, &Objects::default(), &[], None).into_iter().map(|alarm| alarm.id).collect()
        };
        let well = store::Status::default();
        assert_eq!(ids(&well, &store(3600, 3600, 1)), [] as [&str; 0]);
        assert_eq!(ids(&well, &store(3600, 0, 0)), [] as [&str; 0], "nothing is known before a rate is");
        assert_eq!(ids(&well, &store(3600, 3599, 1)), ["dvr-promise"]);
        let bad = store::Status {
            extents: store::Extents { bad: 1, ..Default::default() },
            quarantined: 2,
            ..Default::default()
        };
        assert_eq!(ids(&bad, &store(1, 2, 3)), ["dvr-bad-areas", "dvr-quarantine"]);
        let slow = store::Status { behind: report::SLOW, ..Default::default() };
        assert_eq!(ids(&slow, &store(1, 2, 3)), ["dvr-slow"]);
        assert_eq!((span(5400), span(16_200)), ("90 min".to_owned(), "4.5 h".to_owned()));
    }

    #[test]
    fn an_input_that_is_lost_is_graver_than_one_that_looks_strange() {
        let alarm = |life: &str, state: &str| {
            let mut channel = crate::facts::Facts::new(
                "main",
                clock::Clock::from_system(),
                crate::cameras::Cameras::open(std::path::Path::new("")),
            )
            .read()
            .0;
            life.clone_into(&mut channel.life);
            state.clone_into(&mut channel.input.health.state);
            "words".clone_into(&mut channel.input.health.reason);
            let alarms =
                of(&store::Status::default(), &store(0, 0, 0), &Objects::default(), &[channel], None);
            alarms.into_iter().map(|alarm| (alarm.id, alarm.severity, alarm.reason)).next()
        };
        let told = |severity: &str| {
            let (id, reason) = ("input-main".to_owned(), "input of channel `main`: words".to_owned());
            Some((id, severity.to_owned(), reason))
        };
        for state in ["no_device", "no_signal", "unsupported"] {
            assert_eq!(alarm("running", state), told("error"), "{state}");
        }
        for state in ["frozen", "black", "silent", "clipping"] {
            assert_eq!(alarm("running", state), told("warning"), "{state}");
        }
        assert_eq!((alarm("running", "ok"), alarm("running", "opening")), (None, None));
        assert_eq!(alarm("stopped", "no_signal"), None);
    }
}
