//! The calls of the V4L2 user-space API that the `v4l` crate has not: state of an input, events, timings of a digital
//! signal. Each is one `ioctl` with its structure; what the answers mean is told elsewhere.

use std::{ffi::c_int, fs::File};

use rustix::{
    io::Errno,
    ioctl::{Getter, Opcode, Setter, Updater, ioctl, opcode},
};
use v4l::v4l_sys::{
    V4L2_DV_BT_656_1120, V4L2_EVENT_SOURCE_CHANGE, v4l2_bt_timings, v4l2_dv_timings, v4l2_event,
    v4l2_event_subscription, v4l2_input,
};

/// `v4l2_input.status` of the input in use, by `VIDIOC_G_INPUT` and `VIDIOC_ENUMINPUT`.
///
/// # Errors
/// `ENODEV` where the device is gone, others where the driver has no inputs.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
pub fn input_status(node: &File) -> Result<u32, Errno> {
    const G_INPUT: Opcode = opcode::read::<c_int>(b'V', 38);
    const ENUMINPUT: Opcode = opcode::read_write::<v4l2_input>(b'V', 26);
    // SAFETY: VIDIOC_G_INPUT writes one int.
    let index = unsafe { ioctl(node, Getter::<G_INPUT, c_int>::new()) }?;
    let mut input = v4l2_input {
        index: index.cast_unsigned(),
        name: [0; 32],
        type_: 0,
        audioset: 0,
        tuner: 0,
        std: 0,
        status: 0,
        capabilities: 0,
        reserved: [0; 3],
    };
    // SAFETY: VIDIOC_ENUMINPUT reads and writes one v4l2_input, whose fields are valid with any bits.
    unsafe { ioctl(node, Updater::<ENUMINPUT, v4l2_input>::new(&mut input)) }?;
    Ok(input.status)
}

/// Asks for an event with every change of the input's signal: `VIDIOC_SUBSCRIBE_EVENT`.
///
/// # Errors
/// `EINVAL` or `ENOTTY` where the driver has no such events.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
pub fn subscribe_source_change(node: &File) -> Result<(), Errno> {
    const SUBSCRIBE_EVENT: Opcode = opcode::write::<v4l2_event_subscription>(b'V', 90);
    let wanted =
        v4l2_event_subscription { type_: V4L2_EVENT_SOURCE_CHANGE, id: 0, flags: 0, reserved: [0; 5] };
    // SAFETY: VIDIOC_SUBSCRIBE_EVENT reads one v4l2_event_subscription.
    unsafe { ioctl(node, Setter::<SUBSCRIBE_EVENT, _>::new(wanted)) }
}

/// Takes one waiting event and says its type: `VIDIOC_DQEVENT`.
///
/// # Errors
/// `ENOENT` where none waits, as the node does not block.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
pub fn next_event(node: &File) -> Result<u32, Errno> {
    const DQEVENT: Opcode = opcode::read::<v4l2_event>(b'V', 89);
    // SAFETY: VIDIOC_DQEVENT writes one v4l2_event, of which only a number is read.
    let event: v4l2_event = unsafe { ioctl(node, Getter::<DQEVENT, v4l2_event>::new()) }?;
    Ok(event.type_)
}

/// The timings of the signal that is there now: `VIDIOC_QUERY_DV_TIMINGS`; none where they are not of the only kind known.
///
/// # Errors
/// `ENOLINK`, `ENOLCK` or `ERANGE` without a signal that can be read, `ENOTTY` or `ENODATA` where the input is not digital.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
pub fn query_timings(node: &File) -> Result<Option<v4l2_bt_timings>, Errno> {
    const QUERY_DV_TIMINGS: Opcode = opcode::read::<v4l2_dv_timings>(b'V', 99);
    // SAFETY: VIDIOC_QUERY_DV_TIMINGS writes one v4l2_dv_timings.
    let timings = unsafe { ioctl(node, Getter::<QUERY_DV_TIMINGS, v4l2_dv_timings>::new()) }?;
    if timings.type_ != V4L2_DV_BT_656_1120 {
        return Ok(None);
    }
    // SAFETY: the type says that this is what the union holds, and its fields are numbers, valid with any bits.
    Ok(Some(unsafe { timings.__bindgen_anon_1.bt }))
}

/// Sets the receiver to these timings: `VIDIOC_S_DV_TIMINGS`.
///
/// # Errors
/// `EBUSY` while the device is being captured, `EINVAL` where it cannot take them.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
pub fn set_timings(node: &File, bt: v4l2_bt_timings) -> Result<(), Errno> {
    const S_DV_TIMINGS: Opcode = opcode::read_write::<v4l2_dv_timings>(b'V', 87);
    let mut timings = v4l2_dv_timings {
        type_: V4L2_DV_BT_656_1120,
        __bindgen_anon_1: v4l::v4l_sys::v4l2_dv_timings__bindgen_ty_1 { bt },
    };
    // SAFETY: VIDIOC_S_DV_TIMINGS reads and writes one v4l2_dv_timings. The union's rest is padding of the same call.
    unsafe { ioctl(node, Updater::<S_DV_TIMINGS, v4l2_dv_timings>::new(&mut timings)) }
}
