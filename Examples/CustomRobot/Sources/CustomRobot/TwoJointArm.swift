import DiffusionPolicyKit
import Foundation

/// A planar arm with two joints whose tip must reach the point (1, 1).
///
/// An action is the joints' target angles.
struct TwoJointArm: SimulatedEnvironment {
    /// The angles of shoulder and elbow, in radians.
    private(set) var angles: [Float]

    init(seed: UInt64) {
        let key = RandomKey(seed: seed)
        angles = (0..<2).map { Float(key.uniform(at: $0)) * 2 - 1 }
    }

    var observation: RobotObservation { RobotObservation(vectors: ["angles": angles]) }

    var reward: Float {
        let elbow = angles[0] + angles[1]
        let tip = SIMD2(cos(angles[0]) + cos(elbow), sin(angles[0]) + sin(elbow))
        let difference = tip - SIMD2(1, 1)
        return max(0, 1 - (difference * difference).sum().squareRoot())
    }

    var isSuccess: Bool { reward > 0.95 }

    mutating func step(_ action: [Float]) throws {
        guard action.count == 2, action.allSatisfy(\.isFinite) else { throw InvalidAction(found: action) }
        for joint in 0..<2 { angles[joint] += max(-0.1, min(0.1, action[joint] - angles[joint])) }
    }

    func render(side: Int) -> RGBImage {
        RGBImage(width: side, height: side, filledWith: (red: 255, green: 255, blue: 255))
    }
}

/// An action that the arm cannot execute.
struct InvalidAction: Error, CustomStringConvertible {
    let found: [Float]
    var description: String { "action: expected two finite angles, found \(found)" }
}
