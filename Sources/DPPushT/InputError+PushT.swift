package import DPBase

extension InputError {
    /// The error for an action that is not two plausible coordinates.
    package static func pushTAction(found: [Double]) -> InputError {
        InputError(
            at: "Push-T action",
            expected: "a target [x, y] of finite pixels, at most \(Int(Pose.largestCoordinate)) in magnitude",
            found: found,
            hint: "the world is 512 pixels wide")
    }

    /// The error for a state that is not five plausible numbers.
    static func pushTState(found: [Double]) -> InputError {
        InputError(
            at: "Push-T state",
            expected: """
                [agent x, agent y, block x, block y, block angle], finite and at most \(Int(Pose.largestCoordinate)) in \
                magnitude
                """, found: found)
    }
}
