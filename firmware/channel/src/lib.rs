//! Segmenter, slate policy, ladder planning, frame slots: pure.
