#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A position and an angle in the plane: x to the right, y downwards, both in pixels; the angle in radians from x to y.
public struct Pose: Codable, Sendable, Equatable {
    /// Where the origin of the body's own frame is, in pixels.
    public var position: SIMD2<Double>
    /// How far the body's own frame is turned, in radians.
    public var angle: Double

    /// A position in pixels and an angle in radians.
    public init(position: SIMD2<Double>, angle: Double) {
        self.position = position
        self.angle = angle
    }

    /// A point of the body's own frame in the world, in pixels.
    public func point(_ own: SIMD2<Double>) -> SIMD2<Double> { placement()(own) }

    /// A function from points in the body's own frame to points of the world, in pixels.
    func placement() -> (SIMD2<Double>) -> SIMD2<Double> {
        let cosine = cos(angle)
        let sine = sin(angle)
        return { [position] point in
            position + SIMD2(cosine * point.x - sine * point.y, sine * point.x + cosine * point.y)
        }
    }

    /// Coordinates and angles beyond this are taken for a mistake: about twenty times the side of the world.
    static let largestCoordinate = 10_000.0

    /// Whether the physics can work with this pose.
    var isPlausible: Bool { position.isPlausible && abs(angle) <= Pose.largestCoordinate }
}

extension SIMD2<Double> {
    /// Whether the physics can work with this point: false for NaN, infinity and absurd distances.
    var isPlausible: Bool { abs(x) <= Pose.largestCoordinate && abs(y) <= Pose.largestCoordinate }
}
