extension Graph {
    /// The images that are worth storing rounded where products are: feature maps and their gradients `[batch, height, width, channel]`, which
    /// take most of the memory that a network of images reads and writes.
    ///
    /// What ReLU reads is passed on to it as it is, and so is the first summand of that, if nobody else reads it: a normalisation, the sum with a
    /// shortcut and ReLU are rounded once.
    func storedImages() -> Set<Value> {
        var readers: [Value: Int] = [:]
        for value in nodes.flatMap(\.inputs) + outputs.map(\.value) + gradients.map(\.value) {
            readers[value, default: 0] += 1
        }
        var stored = Set<Value>()
        for (index, node) in nodes.enumerated() where isImage(node, stored) { stored.insert(Value(node: index)) }
        var passedOn = Set<Value>()
        for node in nodes where node.operation == .relu {
            let sum = node.inputs[0]
            guard readers[sum] == 1 else { continue }
            passedOn.insert(sum)
            guard nodes[sum.node].operation == .add else { continue }
            let first = nodes[sum.node].inputs[0]
            if readers[first] == 1 { passedOn.insert(first) }
        }
        return stored.subtracting(passedOn)
    }

    /// Whether a node makes an image; sums are images if their operands are.
    private func isImage(_ node: Node, _ images: Set<Value>) -> Bool {
        guard node.results[0].shape.rank == 4 else { return false }
        return switch node.operation {
        case .convolution2D, .convolution2DInputGradient, .relu, .reluGradient, .maxPooling2D, .maxPooling2DGradient,
            .spatialSoftmaxGradient, .reshape:
            true
        case .add: node.inputs.allSatisfy(images.contains)
        default: false
        }
    }
}
