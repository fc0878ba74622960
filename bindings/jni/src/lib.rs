//! JNI entry points.
