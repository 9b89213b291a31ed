//! The calls of the V4L2 user-space API that the `v4l` crate has not: state of an input, events, timings of a digital
//! signal, and what its receiver tells the source. Each is one `ioctl` with its structure; what the answers mean is told elsewhere.

use std::{ffi::c_int, fs::File, ptr};

use rustix::{
    io::Errno,
    ioctl::{Getter, Opcode, Setter, Updater, ioctl, opcode},
};
use v4l::v4l_sys::{
    V4L2_DV_BT_656_1120, V4L2_EVENT_SOURCE_CHANGE, v4l2_bt_timings, v4l2_bt_timings_cap, v4l2_dv_timings,
    v4l2_dv_timings_cap, v4l2_dv_timings_cap__bindgen_ty_1, v4l2_edid, v4l2_event, v4l2_event_subscription,
    v4l2_input,
};

const G_INPUT: Opcode = opcode::read::<c_int>(b'V', 38);

/// The number of the input in use: `VIDIOC_G_INPUT`.
///
/// # Errors
/// `ENODEV` where the device is gone, others where the driver has no inputs.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
fn input(node: &File) -> Result<u32, Errno> {
    // SAFETY: VIDIOC_G_INPUT writes one int.
    unsafe { ioctl(node, Getter::<G_INPUT, c_int>::new()) }.map(c_int::cast_unsigned)
}

/// `v4l2_input.status` of the input in use, by `VIDIOC_G_INPUT` and `VIDIOC_ENUMINPUT`.
///
/// # Errors
/// `ENODEV` where the device is gone, others where the driver has no inputs.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
pub fn input_status(node: &File) -> Result<u32, Errno> {
    const ENUMINPUT: Opcode = opcode::read_write::<v4l2_input>(b'V', 26);
    let mut input = v4l2_input {
        index: input(node)?,
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

/// What the receiver of the input in use can take: `VIDIOC_DV_TIMINGS_CAP`; none where it is not of the only kind known.
///
/// # Errors
/// `ENOTTY` or `ENODATA` where the input is not digital.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
pub fn timings_cap(node: &File) -> Result<Option<v4l2_bt_timings_cap>, Errno> {
    const DV_TIMINGS_CAP: Opcode = opcode::read_write::<v4l2_dv_timings_cap>(b'V', 100);
    let mut cap = v4l2_dv_timings_cap {
        type_: 0,
        pad: 0,
        reserved: [0; 2],
        __bindgen_anon_1: v4l2_dv_timings_cap__bindgen_ty_1 { raw_data: [0; 32] },
    };
    // SAFETY: VIDIOC_DV_TIMINGS_CAP reads and writes one v4l2_dv_timings_cap.
    unsafe { ioctl(node, Updater::<DV_TIMINGS_CAP, v4l2_dv_timings_cap>::new(&mut cap)) }?;
    if cap.type_ != V4L2_DV_BT_656_1120 {
        return Ok(None);
    }
    // SAFETY: the type says that this is what the union holds, and its fields are numbers, valid with any bits.
    Ok(Some(unsafe { cap.__bindgen_anon_1.bt }))
}

/// How many blocks of EDID the input in use shows to its source: `VIDIOC_G_EDID`.
///
/// # Errors
/// `ENOTTY` or `EINVAL` where it is none that has an EDID.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
pub fn edid_blocks(node: &File) -> Result<u32, Errno> {
    const G_EDID: Opcode = opcode::read_write::<v4l2_edid>(b'V', 40);
    let mut asked = edid(input(node)?, 0, ptr::null_mut());
    // SAFETY: VIDIOC_G_EDID reads and writes one v4l2_edid. With no blocks asked for, the driver says how many there are and
    // writes none.
    match unsafe { ioctl(node, Updater::<G_EDID, v4l2_edid>::new(&mut asked)) } {
        Ok(()) => Ok(asked.blocks),
        Err(Errno::NODATA) => Ok(0),
        Err(error) => Err(error),
    }
}

/// Shows this EDID to the source of the input in use: `VIDIOC_S_EDID`. The source sees it as a plug that was pulled and pushed in.
///
/// # Errors
/// `E2BIG` where the receiver has no room for it, `ENOTTY` where its EDID cannot be set.
#[expect(unsafe_code, reason = "V4L2 is spoken by ioctl")]
pub fn set_edid(node: &File, blocks: &mut [[u8; 128]]) -> Result<(), Errno> {
    const S_EDID: Opcode = opcode::read_write::<v4l2_edid>(b'V', 41);
    let count = u32::try_from(blocks.len()).map_err(|_| Errno::INVAL)?;
    let mut shown = edid(input(node)?, count, blocks.as_flattened_mut().as_mut_ptr());
    // SAFETY: VIDIOC_S_EDID reads one v4l2_edid and the `count` blocks of 128 bytes that it points to, which outlive the call.
    unsafe { ioctl(node, Updater::<S_EDID, v4l2_edid>::new(&mut shown)) }
}

/// A call's blocks of EDID from the first one on; the pad of a capture node is the number of its input.
fn edid(pad: u32, blocks: u32, edid: *mut u8) -> v4l2_edid {
    v4l2_edid { pad, start_block: 0, blocks, reserved: [0; 5], edid }
}
