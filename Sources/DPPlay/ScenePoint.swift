/// A point or a vector in a command: `[x, y]`, in pixels of the world.
struct ScenePoint: Decodable, Sendable {
    var x: Double
    var y: Double

    /// The largest accepted coordinate; the world is 512 pixels wide.
    static let farthest = 10_000.0

    /// Reads two coordinates within the accepted range.
    init(from decoder: any Decoder) throws {
        var numbers = try decoder.unkeyedContainer()
        (x, y) = (try numbers.decode(Double.self), try numbers.decode(Double.self))
        guard numbers.isAtEnd, abs(x) <= Self.farthest, abs(y) <= Self.farthest else {
            throw DecodingError.dataCorruptedError(
                in: numbers, debugDescription: "a point is [x, y], at most \(Int(Self.farthest)) pixels away")
        }
    }

    var vector: SIMD2<Double> { SIMD2(x, y) }
}
