import DPInterface
import DPServing
import TestSupport

/// Metadata, requests and messages of a policy that observes a vector, part of another one, and a small camera
/// image.
enum Fixtures {
    static let policy = PolicyMetadata(
        name: "test",
        observations: ObservationSchema(
            [FeatureSelection("state", size: 3), FeatureSelection("keypoint", slice: 0..<2, size: 4)],
            images: [ImageSelection("img", size: ImageSize(height: 2, width: 3))]),
        actionDimension: 2, horizon: Horizon(observation: 2, prediction: 4, action: 2))

    static func observation(_ time: Int) -> RobotObservation {
        RobotObservation(
            vectors: [
                "state": fill("state \(time)", count: 3), "keypoint": fill("keypoint \(time)", count: 4),
            ],
            images: [
                "img": RGBImage(width: 3, height: 2, pixels: (0..<18).map { UInt8($0 * 10 + time) })
            ])
    }

    static let request = PolicyRequest(
        observations: [observation(0), observation(1)], seed: .max, noise: fill("noise", count: 8),
        start: WarmStart(actions: (0..<4).map { fill("start \($0)", count: 2) }, strength: 0.25), wantsPrediction: true)

    /// Returns an array as openpi-client packs it.
    static func array(_ data: [UInt8], _ type: String, _ shape: [Int]) -> MessagePackValue {
        .map([
            .init(.binary(Array("__ndarray__".utf8)), .boolean(true)),
            .init(.binary(Array("data".utf8)), .binary(data)),
            .init(.binary(Array("dtype".utf8)), .string(type)),
            .init(.binary(Array("shape".utf8)), .array(shape.map { .integer($0) })),
        ])
    }

    /// Returns a scalar as openpi-client packs it.
    static func scalar(_ value: MessagePackValue, _ type: String) -> MessagePackValue {
        .map([
            .init(.binary(Array("__npgeneric__".utf8)), .boolean(true)),
            .init(.binary(Array("data".utf8)), value), .init(.binary(Array("dtype".utf8)), .string(type)),
        ])
    }

    /// Returns float64 numbers as NumPy stores them.
    static func doubles(_ values: [Float], _ shape: [Int]) -> MessagePackValue {
        array(values.flatMap { withUnsafeBytes(of: Double($0)) { Array($0) } }, "<f8", shape)
    }

    /// The entries of a valid request, in float64 as Python clients send it.
    static var entries: [String: MessagePackValue] {
        let observations = request.observations
        return [
            "state": doubles(observations.flatMap { $0.vectors["state"] ?? [] }, [2, 3]),
            "keypoint": doubles(observations.flatMap { $0.vectors["keypoint"] ?? [] }, [2, 4]),
            "img": array(observations.flatMap { $0.images["img"]?.pixels ?? [] }, "|u1", [2, 2, 3, 3]),
        ]
    }

    static func message(_ entries: [String: MessagePackValue]) -> MessagePackValue {
        .map(entries.sorted { $0.key < $1.key }.map { .init(.string($0.key), $0.value) })
    }
}
