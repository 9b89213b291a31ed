use super::*;

const CHANNELS: [Channel; 5] =
    [Channel::Stopped, Channel::Starting, Channel::Running, Channel::Stopping, Channel::Deleting];
const PROGRAMS: [Program; 4] = [Program::Stopped, Program::Starting, Program::Running, Program::Stopping];

/// Rows: inputs; columns: states in the order of [`CHANNELS`]; `-` where the input is illegal.
const CHANNEL_TABLE: [(&str, [&str; 5]); 10] = [
    ("start", ["starting", "-", "-", "-", "-"]),
    ("stop, none busy", ["-", "-", "stopping", "-", "-"]),
    ("stop, one busy", ["-", "-", "-", "-", "-"]),
    ("reset, none busy", ["-", "-", "starting", "-", "-"]),
    ("reset, one busy", ["-", "-", "-", "-", "-"]),
    ("delete, no program", ["deleting", "-", "-", "-", "-"]),
    ("delete, one program", ["-", "-", "-", "-", "-"]),
    ("started", ["-", "running", "-", "-", "-"]),
    ("failed", ["-", "stopped", "stopped", "stopped", "stopped"]),
    ("stopped", ["-", "-", "-", "stopped", "-"]),
];

const CHANNEL_INPUTS: [ChannelInput; 10] = [
    ChannelInput::Command(ChannelCommand::Start),
    ChannelInput::Command(ChannelCommand::Stop { busy: 0 }),
    ChannelInput::Command(ChannelCommand::Stop { busy: 1 }),
    ChannelInput::Command(ChannelCommand::Reset { busy: 0 }),
    ChannelInput::Command(ChannelCommand::Reset { busy: 1 }),
    ChannelInput::Command(ChannelCommand::Delete { programs: 0 }),
    ChannelInput::Command(ChannelCommand::Delete { programs: 1 }),
    ChannelInput::Event(ChannelEvent::Started),
    ChannelInput::Event(ChannelEvent::Failed),
    ChannelInput::Event(ChannelEvent::Stopped),
];

/// As [`CHANNEL_TABLE`], with the states of [`PROGRAMS`].
const PROGRAM_TABLE: [(&str, [&str; 4]); 9] = [
    ("start, channel stopped", ["-", "-", "-", "-"]),
    ("start, channel starting", ["-", "-", "-", "-"]),
    ("start, channel running", ["starting", "-", "-", "-"]),
    ("start, channel stopping", ["-", "-", "-", "-"]),
    ("start, channel deleting", ["-", "-", "-", "-"]),
    ("stop", ["-", "-", "stopping", "-"]),
    ("began", ["-", "running", "-", "-"]),
    ("failed", ["-", "stopped", "stopped", "stopped"]),
    ("ended", ["-", "-", "stopped", "stopped"]),
];

const PROGRAM_INPUTS: [ProgramInput; 9] = [
    ProgramInput::Command(ProgramCommand::Start { channel: Channel::Stopped }),
    ProgramInput::Command(ProgramCommand::Start { channel: Channel::Starting }),
    ProgramInput::Command(ProgramCommand::Start { channel: Channel::Running }),
    ProgramInput::Command(ProgramCommand::Start { channel: Channel::Stopping }),
    ProgramInput::Command(ProgramCommand::Start { channel: Channel::Deleting }),
    ProgramInput::Command(ProgramCommand::Stop),
    ProgramInput::Event(ProgramEvent::Began),
    ProgramInput::Event(ProgramEvent::Failed),
    ProgramInput::Event(ProgramEvent::Ended),
];

#[test]
fn a_channel_takes_each_input_in_each_state_as_the_table_says() {
    for (input, (name, row)) in CHANNEL_INPUTS.into_iter().zip(CHANNEL_TABLE) {
        for (state, expected) in CHANNELS.into_iter().zip(row) {
            match state.on(input) {
                Ok(next) => assert_eq!(next.word(), expected, "{name} while {state}"),
                Err(illegal) => {
                    assert_eq!("-", expected, "{name} while {state}");
                    assert_eq!(illegal.state, state.word());
                }
            }
        }
    }
}

#[test]
fn a_program_takes_each_input_in_each_state_as_the_table_says() {
    for (input, (name, row)) in PROGRAM_INPUTS.into_iter().zip(PROGRAM_TABLE) {
        for (state, expected) in PROGRAMS.into_iter().zip(row) {
            match state.on(input) {
                Ok(next) => assert_eq!(next.word(), expected, "{name} while {state}"),
                Err(illegal) => {
                    assert_eq!("-", expected, "{name} while {state}");
                    assert_eq!(illegal.state, state.word());
                }
            }
        }
    }
}

#[test]
fn only_what_is_stopped_can_be_changed_or_deleted() {
    for state in CHANNELS {
        assert_eq!(state.changeable().is_ok(), state == Channel::Stopped);
    }
    for state in PROGRAMS {
        assert_eq!(state.changeable().is_ok(), state == Program::Stopped);
        assert_eq!(state.deletable().is_ok(), state == Program::Stopped);
    }
}

#[test]
fn a_refusal_names_the_state_and_what_must_be_before() {
    let busy = Channel::Running.on(ChannelCommand::Stop { busy: 2 }).unwrap_err();
    assert_eq!(busy.to_string(), "it is running: its programs must be stopped first");
    let start = ProgramCommand::Start { channel: Channel::Starting };
    let waiting = Program::Stopped.on(start).unwrap_err();
    assert_eq!(waiting.to_string(), "it is stopped: its channel must be running");
}

#[test]
fn the_words_are_the_same_in_json_and_in_text() {
    for state in CHANNELS {
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
    }
    for state in PROGRAMS {
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(json, format!("\"{state}\""));
        assert_eq!(serde_json::from_str::<Program>(&json).unwrap(), state);
    }
}
