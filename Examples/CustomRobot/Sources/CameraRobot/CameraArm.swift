import DiffusionPolicyKit
import Foundation

/// A planar arm with seven joints and links of length 1/7 that must move its tip to a red spot.
///
/// Only the cameras show the position of the spot: one observes the whole scene, and one at the wrist the area
/// around the tip.
struct CameraArm: SimulatedEnvironment {
    /// The size of the camera images.
    static let imageSize = ImageSize(height: 40, width: 40)

    /// The angle of each joint relative to the previous link, in radians.
    private(set) var joints: [Float]
    private let spot: SIMD2<Float>

    init(seed: UInt64) {
        let key = RandomKey(seed: seed)
        joints = (0..<7).map { Float(key.uniform(at: $0)) * 0.4 - 0.2 }
        let direction = Float(key.uniform(at: 7)) * 2 - 1
        spot = 0.7 * SIMD2(cos(direction), sin(direction))
    }

    var observation: RobotObservation {
        RobotObservation(
            vectors: ["joints": joints],
            images: [
                "wrist": picture(around: positions[7], reach: 0.4, size: Self.imageSize),
                "scene": picture(around: .zero, reach: 1.1, size: Self.imageSize),
            ])
    }

    var reward: Float { max(0, 1 - 2 * distance(from: positions[7])) }

    var isSuccess: Bool { reward > 0.9 }

    /// Moves the joints toward the target angles of the action, by at most 0.1 each.
    mutating func step(_ action: [Float]) throws {
        guard action.count == 7, action.allSatisfy(\.isFinite) else { throw InvalidAction(found: action) }
        for joint in 0..<7 { joints[joint] += max(-0.1, min(0.1, action[joint] - joints[joint])) }
    }

    func render(side: Int) -> RGBImage {
        picture(around: .zero, reach: 1.1, size: ImageSize(height: side, width: side))
    }

    /// The demonstrated action: a Jacobian-transpose step of the tip toward the spot.
    var demonstratedAction: [Float] {
        let error = spot - positions[7]
        return (0..<7).map { joint in
            let lever = positions[7] - positions[joint]
            return joints[joint] + 0.3 * (lever.x * error.y - lever.y * error.x)
        }
    }

    /// The positions of the joints, the first at the origin, followed by the tip.
    private var positions: [SIMD2<Float>] {
        var (angle, place) = (Float(0), SIMD2<Float>.zero)
        return [place]
            + joints.map { joint in
                angle += joint
                place += SIMD2(cos(angle), sin(angle)) / 7
                return place
            }
    }

    private func distance(from place: SIMD2<Float>) -> Float { ((place - spot) * (place - spot)).sum().squareRoot() }

    /// Renders the spot and the joints for a camera that covers `reach` to each side.
    private func picture(around center: SIMD2<Float>, reach: Float, size: ImageSize) -> RGBImage {
        let positions = positions
        var image = RGBImage(width: size.width, height: size.height, filledWith: (red: 255, green: 255, blue: 255))
        for row in 0..<size.height {
            for column in 0..<size.width {
                let pixel = SIMD2(
                    Float(2 * column + 1) / Float(size.width) - 1, 1 - Float(2 * row + 1) / Float(size.height))
                let place = center + reach * pixel
                let isJoint = positions.contains { (($0 - place) * ($0 - place)).sum() < 0.003 }
                guard isJoint || distance(from: place) < 0.1 else { continue }
                let color: [UInt8] = isJoint ? [40, 80, 200] : [220, 40, 40]
                for channel in 0..<3 { image.pixels[(row * size.width + column) * 3 + channel] = color[channel] }
            }
        }
        return image
    }
}

extension CameraArm {
    /// Returns a dataset of episodes with demonstrated actions.
    static func demonstrations(episodes: Int, frames: Int) throws -> InMemoryDataset {
        var (joints, actions, wrist, scene): ([Float], [Float], [UInt8], [UInt8]) = ([], [], [], [])
        for episode in 0..<episodes {
            var arm = CameraArm(seed: UInt64(episode))
            for _ in 0..<frames {
                let (seen, action) = (arm.observation, arm.demonstratedAction)
                joints += arm.joints
                actions += action
                wrist += seen.images["wrist"]?.pixels ?? []
                scene += seen.images["scene"]?.pixels ?? []
                try arm.step(action)
            }
        }
        return try InMemoryDataset(
            features: [.init("joints", shape: [7], values: joints), .init("action", shape: [7], values: actions)],
            images: [
                RecordedImages("wrist", size: imageSize, pixels: wrist),
                RecordedImages("scene", size: imageSize, pixels: scene),
            ],
            episodeEnds: (1...episodes).map { $0 * frames })
    }
}

/// An action that the arm cannot execute.
struct InvalidAction: Error, CustomStringConvertible {
    let found: [Float]
    var description: String { "action: expected seven finite angles, found \(found)" }
}
