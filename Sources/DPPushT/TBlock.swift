/// The pushed block: a T of two rectangles, in its own frame, whose origin is the middle of the T's upper edge.
///
/// All constants are those of `PushTEnv.add_tee` of the reference implementation, in pixels and kilograms.
enum TBlock {
    /// An axis-aligned rectangle in the block's own frame.
    struct Rectangle {
        let lower: SIMD2<Double>
        let upper: SIMD2<Double>

        var area: Double { (upper.x - lower.x) * (upper.y - lower.y) }

        /// The corners in the order in which Chipmunk stores and draws them.
        var corners: [SIMD2<Double>] { [lower, SIMD2(upper.x, lower.y), upper, SIMD2(lower.x, upper.y)] }
    }

    static let bar = Rectangle(lower: SIMD2(-60, 0), upper: SIMD2(60, 30))
    static let stem = Rectangle(lower: SIMD2(-15, 30), upper: SIMD2(15, 120))

    static let rectangles = [bar, stem]
    static let area = bar.area + stem.area

    static let mass = 1.0
    /// Moment of inertia: the reference adds the bar's moment about its own frame's origin twice, and omits the stem's.
    ///
    /// For unit mass a rectangle `w`×`h` has (w² + h²)/12 about its middle, which is 15 from the origin:
    /// 2 · ((120² + 30²)/12 + 15²) = 3000.
    static let momentOfInertia = 3000.0
    /// The mean of the two rectangles' centers, unweighted as in the reference.
    static let centerOfGravity = SIMD2(0.0, 45.0)

    /// Nine trackable points, in the block's own frame.
    ///
    /// The reference draws the block, samples farthest points of it and rounds them; the recorded keypoints are
    /// computed from these.
    static let keypoints: [SIMD2<Double>] = [
        SIMD2(9.269787, 90.040974),
        SIMD2(-60.983472, -1.18673),
        SIMD2(60.912755, -1.393363),
        SIMD2(-0.270504, 25.543625),
        SIMD2(-14.064927, 122.815854),
        SIMD2(39.002738, 32.857404),
        SIMD2(-39.966414, 32.729655),
        SIMD2(-16.824344, 62.863179),
        SIMD2(23.541461, -1.700288),
    ]
}
