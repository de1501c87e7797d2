/// A point or a vector on the wire: `[x, y]`, in pixels of the world.
struct ScenePoint: Decodable, Sendable {
    var x: Double
    var y: Double

    /// Whatever is farther away is not meant: the world is 512 pixels wide.
    static let farthest = 10_000.0

    /// Reads two numbers that can be places.
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
