#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A position and an angle in the plane: x to the right, y downward, both in pixels; the angle in radians from x to y.
package struct Pose: Codable, Sendable, Equatable {
    /// Position of the origin of the body's own frame, in pixels.
    package var position: SIMD2<Double>
    /// Rotation of the body's own frame, in radians.
    package var angle: Double

    /// A position in pixels and an angle in radians.
    package init(position: SIMD2<Double>, angle: Double) {
        self.position = position
        self.angle = angle
    }

    /// Converts a point of the body's own frame to the world, in pixels.
    package func point(_ own: SIMD2<Double>) -> SIMD2<Double> { placement()(own) }

    /// Returns a function from points of the body's own frame to points of the world, in pixels.
    func placement() -> (SIMD2<Double>) -> SIMD2<Double> {
        let cosine = cos(angle)
        let sine = sin(angle)
        return { [position] point in
            position + SIMD2(cosine * point.x - sine * point.y, sine * point.x + cosine * point.y)
        }
    }

    /// The limit beyond which coordinates and angles are treated as errors: about twenty times the side of the world.
    static let largestCoordinate = 10_000.0

    /// Whether the physics can work with this pose.
    var isPlausible: Bool { position.isPlausible && abs(angle) <= Pose.largestCoordinate }
}

extension SIMD2<Double> {
    /// Whether the physics can work with this point: false for NaN, infinity and implausible distances.
    var isPlausible: Bool { abs(x) <= Pose.largestCoordinate && abs(y) <= Pose.largestCoordinate }
}
