//! Manager, controllers and all that a reconciler touches.
