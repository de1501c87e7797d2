import DiffusionPolicyKit
import Foundation

/// A planar arm of seven joints, each of whose links is 1/7 long, that has to bring its tip to a red spot.
///
/// Where the spot is, only the cameras tell: one that looks at the whole scene, and one at the wrist that looks at what is around the tip.
struct SeeingArm: Environment {
    /// The size of what the cameras see.
    static let imageSize = ImageSize(height: 40, width: 40)

    /// The angle of each joint against the link before, in radians.
    private(set) var joints: [Float]
    private let spot: SIMD2<Float>

    init(seed: UInt64) {
        let key = RandomKey(seed: seed)
        joints = (0..<7).map { Float(key.uniform(at: $0)) * 0.4 - 0.2 }
        let direction = Float(key.uniform(at: 7)) * 2 - 1
        spot = 0.7 * SIMD2(cos(direction), sin(direction))
    }

    var observation: Observation {
        Observation(
            vectors: ["joints": joints],
            images: [
                "wrist": picture(around: positions[7], reach: 0.4, size: Self.imageSize),
                "scene": picture(around: .zero, reach: 1.1, size: Self.imageSize),
            ])
    }

    var reward: Float { max(0, 1 - 2 * distance(from: positions[7])) }

    var isSuccess: Bool { reward > 0.9 }

    /// An action is the joints' target angles; in a step each joint turns by at most 0.1.
    mutating func step(_ action: [Float]) throws {
        guard action.count == 7, action.allSatisfy(\.isFinite) else { throw InvalidAction(found: action) }
        for joint in 0..<7 { joints[joint] += max(-0.1, min(0.1, action[joint] - joints[joint])) }
    }

    func render(side: Int) -> RGBImage {
        picture(around: .zero, reach: 1.1, size: ImageSize(height: side, width: side))
    }

    /// What someone who sees the spot would command: each joint turns as far as that brings the tip towards the spot.
    var demonstratedAction: [Float] {
        let error = spot - positions[7]
        return (0..<7).map { joint in
            let lever = positions[7] - positions[joint]
            return joints[joint] + 0.3 * (lever.x * error.y - lever.y * error.x)
        }
    }

    /// Where the joints are, the first at the origin, and behind them the tip.
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

    /// The spot and the joints as a camera sees them that looks as far as `reach` to each side.
    private func picture(around centre: SIMD2<Float>, reach: Float, size: ImageSize) -> RGBImage {
        let positions = positions
        var image = RGBImage(width: size.width, height: size.height, filledWith: (red: 255, green: 255, blue: 255))
        for row in 0..<size.height {
            for column in 0..<size.width {
                let pixel = SIMD2(
                    Float(2 * column + 1) / Float(size.width) - 1, 1 - Float(2 * row + 1) / Float(size.height))
                let place = centre + reach * pixel
                let isJoint = positions.contains { (($0 - place) * ($0 - place)).sum() < 0.003 }
                guard isJoint || distance(from: place) < 0.1 else { continue }
                let color: [UInt8] = isJoint ? [40, 80, 200] : [220, 40, 40]
                for channel in 0..<3 { image.pixels[(row * size.width + column) * 3 + channel] = color[channel] }
            }
        }
        return image
    }
}

extension SeeingArm {
    /// Episodes of someone who reaches for the spot.
    static func demonstrations(episodes: Int, frames: Int) throws -> ReplayBuffer {
        var (joints, actions, wrist, scene): ([Float], [Float], [UInt8], [UInt8]) = ([], [], [], [])
        for episode in 0..<episodes {
            var arm = SeeingArm(seed: UInt64(episode))
            for _ in 0..<frames {
                let (seen, action) = (arm.observation, arm.demonstratedAction)
                joints += arm.joints
                actions += action
                wrist += seen.images["wrist"]?.pixels ?? []
                scene += seen.images["scene"]?.pixels ?? []
                try arm.step(action)
            }
        }
        return try ReplayBuffer(
            fields: [.init("joints", shape: [7], values: joints), .init("action", shape: [7], values: actions)],
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
